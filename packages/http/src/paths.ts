/**
 * Paths as endpoints name them: static parts and `:parameters`, each of which stands for one whole, non-empty,
 * percent-decoded segment. A path that ends in a slash is another path than the one without.
 */
type Under<Prefix extends string, Path extends string> = `/_matrix/client/${Prefix}${Path}`;

function under<const Prefix extends string, const Path extends string>(
  prefixes: readonly Prefix[],
  paths: readonly Path[],
): readonly Under<Prefix, Path>[] {
  return prefixes.flatMap((prefix) => paths.map((path) => `/_matrix/client/${prefix}${path}` as const));
}

/** Under `/_matrix/client/v3` and `/_matrix/client/r0`: clients use both. */
export function client<const Path extends string>(
  ...paths: readonly Path[]
): readonly Under<'v3' | 'r0', Path>[] {
  return under(['v3', 'r0'], paths);
}

/** Under `/_matrix/client/v1`. */
export function clientV1<const Path extends string>(...paths: readonly Path[]): readonly Under<'v1', Path>[] {
  return under(['v1'], paths);
}

/** Under `/_matrix/client/unstable/FEATURE` for each of the features: `unstable(['org.matrix.msc4140'], '/thing')`. */
export function unstable<const Feature extends string, const Path extends string>(
  features: readonly Feature[],
  ...paths: readonly Path[]
): readonly Under<`unstable/${Feature}`, Path>[] {
  return under(
    features.map((feature) => `unstable/${feature}` as const),
    paths,
  );
}

/** The names of the parameters of a path. */
type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** Those of the paths that lack a parameter. */
type Lacking<Path extends string, Name extends string> = Path extends unknown
  ? Name extends NamesIn<Path>
    ? never
    : Path
  : never;

type InEvery<Path extends string, Name extends string> = Name extends unknown
  ? [Lacking<Path, Name>] extends [never]
    ? Name
    : never
  : never;

/** The parameters of an endpoint with these paths: required where every path has them, optional otherwise. */
export type Params<Path extends string> = {
  readonly [Name in InEvery<Path, NamesIn<Path>>]: string;
} & {
  readonly [Name in Exclude<NamesIn<Path>, InEvery<Path, NamesIn<Path>>>]?: string;
};

export function namesIn(path: string): string[] {
  return path
    .split('/')
    .filter((segment) => segment.startsWith(':'))
    .map((segment) => segment.slice(1));
}
