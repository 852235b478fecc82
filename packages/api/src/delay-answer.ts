import Type from 'typebox';

/** What scheduling a delayed event answers. */
export const delayAnswer = Type.Object({ delay_id: Type.String() });
