import { endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { vendorFeature } from '../vendor.ts';
import { type Chapter, openApiDocument } from './document.ts';
import { openApiPage } from './page.ts';

/** The page may load nothing at all. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

/** The description of what is served, for programs and for people, and of these two themselves. Made when first asked for. */
export function openApiEndpoints(served: readonly Chapter[]): Endpoint[] {
  const chapters = (): readonly Chapter[] => [...served, { name: 'Description', endpoints: own }];
  let document: Uint8Array | null = null;
  let page: Uint8Array | null = null;
  const own = [
    endpoint({
      method: 'GET',
      paths: unstable([vendorFeature], '/openapi.json'),
      authentication: 'none',
      summary: 'Describes this API (OpenAPI 3.1)',
      answers: Type.Object({ openapi: Type.String() }),
      handle: () => ({ body: (document ??= Buffer.from(openApiText(chapters()))) }),
    }),
    endpoint({
      method: 'GET',
      paths: unstable([vendorFeature], '/openapi'),
      authentication: 'none',
      summary: 'Describes this API on a page to read',
      handle: () => ({
        body: (page ??= Buffer.from(openApiPage(chapters()))),
        headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy },
      }),
    }),
  ];
  return own;
}

/** The document as it is served and kept in the repository. */
function openApiText(chapters: readonly Chapter[]): string {
  return `${JSON.stringify(openApiDocument(chapters), null, 2)}\n`;
}
