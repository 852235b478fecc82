import type { ServerResponse } from 'node:http';

/** On every answer, errors too (client-server specification, "Web Browser Clients"). */
export const corsHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  // browsers hide it from scripts otherwise, and clients wait as long as it says
  'Access-Control-Expose-Headers': 'Retry-After',
};

/** An answer that is always the same, made once and written many times. */
export interface PreparedAnswer {
  readonly status: number;
  /** names and values in turn */
  readonly headers: string[];
  /** a string: node writes it together with the headers, and bytes in a second piece */
  readonly body: string;
}

/** @param body sent as JSON */
export function prepareAnswer(
  status: number,
  body: object,
  headers: { readonly [name: string]: string } = {},
): PreparedAnswer {
  const text = JSON.stringify(body);
  const all = {
    ...corsHeaders,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
    ...headers,
  };
  return { status, headers: Object.entries(all).flat(), body: text };
}

/** Writes a prepared answer at the cost of little more than what `node:http` itself takes. */
export function sendPrepared(response: ServerResponse, { status, headers, body }: PreparedAnswer): void {
  response.writeHead(status, headers);
  response.end(body);
}
