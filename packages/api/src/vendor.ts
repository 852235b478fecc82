/** What this server adds of its own: `/_matrix/client/unstable/dev.matrix-futures/…`. */
export const vendorFeature = 'dev.matrix-futures';
