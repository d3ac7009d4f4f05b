// A service that says what reached it.

import { createServer } from 'node:http';

createServer((request, response) => {
  const language = request.headers['x-language'] ?? 'no';
  response.end(`${request.method} in ${language} language\n`);
}).listen(8497, '127.0.0.1');
