import Type from 'typebox';

/** What every request that logs in may say of its device. */
export const deviceRequest = {
  device_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  initial_device_display_name: Type.Optional(Type.String({ maxLength: 255 })),
};
