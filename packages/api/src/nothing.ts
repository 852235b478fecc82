import Type from 'typebox';

/** An answer that says no more than that it was done. */
export const nothing = Type.Object({}, { additionalProperties: false });
