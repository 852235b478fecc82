import type { Endpoint, Method } from './endpoint.ts';
import type { Query } from './query.ts';

/** The endpoints of one method and path: those with a condition in the order they were given, and the plain one last. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly endpoints: readonly Endpoint[];
}

/** @throws Error when two endpoints answer the same request */
export function routesOf(endpoints: readonly Endpoint[]): Route[] {
  const routes = new Map<string, { method: Method; path: string; endpoints: Endpoint[] }>();
  const plainLast = endpoints.toSorted((a, b) => Number(a.when === null) - Number(b.when === null));
  for (const endpoint of plainLast) {
    for (const path of endpoint.paths) {
      for (const method of endpoint.methods) {
        const name = `${method} ${path}`;
        const route = routes.get(name) ?? { method, path, endpoints: [] };
        if (route.endpoints.at(-1)?.when === null) throw new Error(`Two endpoints answer ${name}`);
        route.endpoints.push(endpoint);
        routes.set(name, route);
      }
    }
  }
  return [...routes.values()];
}

/** The endpoint of a route that a query asks for; null: there are only ones with other conditions. */
export function choose({ endpoints }: Route, query: Query): Endpoint | null {
  return (
    endpoints.find(({ when }) => when === null || when.parameters.some((name) => query.values.has(name))) ??
    null
  );
}

/** Tells which methods a path has: of use only where a request found no route, so it may take its time. */
export function methodsOf(routes: readonly Route[]): (path: string) => string[] {
  const known = routes.map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  return (path) => {
    const methods = new Set<string>(
      known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method),
    );
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods];
  };
}

/** The static parts of a path are letters, digits and `/._-`, of which only the dot means something to a pattern. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:[^/]+/g, '[^/]+')}$`);
}
