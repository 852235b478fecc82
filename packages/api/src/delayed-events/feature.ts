/** The MSC's name, in paths and names while it is unstable. */
export const feature = 'org.matrix.msc4140';
/** MSC4486, lists with filters and pages. */
export const listFeature = 'org.matrix.msc4486';

/** Flags of `/versions`: the unstable and the stable paths of both are served. */
export const features = [feature, `${feature}.stable`, listFeature, `${listFeature}.stable`] as const;
