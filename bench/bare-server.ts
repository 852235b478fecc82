/** The baseline: a `node:http` server on the same Node that reads what it is sent, stores nothing, and answers `{}`. */
import { createServer } from 'node:http';

const headers = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  'Content-Length': '2',
};

const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
  const answer = (): void => {
    response.writeHead(200, headers).end('{}');
  };
  if (request.headers['content-length'] === undefined || request.headers['content-length'] === '0') answer();
  else {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString());
      answer();
    });
  }
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.stdout.write(`bare ready on http://127.0.0.1:${address.port}\n`);
});
