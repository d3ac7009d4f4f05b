// A client may make so many requests in a window; the upstream is told its language; JSON bodies are read before the
// upstream gets them.

import * as body from 'weir:filter/body@0.1.1';
import * as exchange from 'weir:filter/exchange@0.1.1';
import * as kv from 'weir:filter/kv@0.1.1';
import * as request from 'weir:filter/request@0.1.1';
import * as response from 'weir:filter/response@0.1.1';
import * as resumption from 'weir:filter/resumption@0.1.1';
import { answer, bytes, hook, text } from './weir.js';

const LARGEST_BODY = 16 * 1024;

// Every instance is configured before its other hooks, so this may be kept. What belongs to one exchange may not.
let settings;

export const configure = hook('configure', (json) => {
  const { limit, window = 60, store = 'local', forbidden = [], replacement, ...unknown } = JSON.parse(json);
  const faults = [];
  const need = (isRight, pointer, message) => isRight || faults.push({ pointer, message });
  const isCount = (value) => Number.isInteger(value) && value >= 1;
  for (const key of Object.keys(unknown)) need(false, `/${key}`, 'there is no such key');
  need(isCount(limit), limit === undefined ? '' : '/limit', '`limit` is a number from 1 on');
  need(isCount(window), '/window', '`window` is a number of seconds from 1 on');
  need(typeof store === 'string', '/store', '`store` is the name of a store');
  need(Array.isArray(forbidden), '/forbidden', '`forbidden` is a list of words');
  for (const [at, word] of Array.isArray(forbidden) ? forbidden.entries() : []) {
    need(typeof word === 'string' && word !== '', `/forbidden/${at}`, 'this is not a word');
  }
  need(['undefined', 'string'].includes(typeof replacement), '/replacement', '`replacement` is text');
  if (faults.length > 0) throw faults;

  const words = forbidden.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = words.length > 0 ? new RegExp(words.join('|'), 'giu') : null;
  if (replacement !== undefined && pattern !== null && replacement.search(pattern) >= 0) {
    throw [{ pointer: '/replacement', message: 'it has a forbidden word itself' }];
  }
  settings = { limit, window, store, replacement, pattern };
});

export const onRequest = hook('onRequest', () => {
  const client = exchange.clientAddress();
  const { limit, window, store } = settings;
  // 64-bit numbers come as BigInt. A key that is new gets the time to live, so this is the window's end.
  const count = Number(kv.increment(store, client, 1, window * 1000));
  if (count > limit) {
    const detail = `request ${count} of ${client} in ${window} s`;
    return answer(429, 'Too many requests.', 'over-limit', detail, [['retry-after', String(window)]]);
  }
  exchange.note('within-limit');
  // `on-response` may run in another instance: the slot is what lasts.
  exchange.setSlot(bytes(String(limit - count)));

  const language = /^[a-z0-9-]+/i.exec(request.headerText('accept-language') ?? '');
  if (language) request.setHeaderText('x-language', language[0].toLowerCase());
  // What the client says in its place must not pass for what was found out here.
  else request.removeHeader('x-language');

  const type = request.headerText('content-type') ?? '';
  if (settings.pattern === null || !/^application\/([^;]+\+)?json\b/i.test(type)) return 'next';
  body.buffer(LARGEST_BODY);
  return 'pause';
});

export const onResume = hook('onResume', () => {
  switch (resumption.outcome()) {
    case 'done':
      return checkBody();
    case 'over-limit':
      return answer(413, 'The body is too large.', 'body-too-large', `more than ${LARGEST_BODY} bytes of JSON`);
    default:
      // The body did not come: the host ends the exchange.
      return 'next';
  }
});

function checkBody() {
  const size = body.size();
  if (size === 0) return 'next';
  let value;
  let found = null;
  try {
    // Strings are looked at after parsing: `\u0073` is an `s`.
    value = JSON.parse(text(body.read(0, size)), (_, part) => {
      if (typeof part !== 'string') return part;
      return part.replace(settings.pattern, (word) => {
        found ??= word;
        return settings.replacement ?? word;
      });
    });
  } catch (error) {
    return answer(400, 'The body is not JSON.', 'not-json', error.message);
  }
  if (found === null) return 'next';
  if (settings.replacement === undefined) {
    return answer(422, 'The body has a word that is not allowed.', 'forbidden-word', `the body has \`${found}\``);
  }
  body.replace(bytes(JSON.stringify(value)));
  return 'next';
}

export const onResponse = hook('onResponse', () => {
  const left = exchange.slot();
  if (left.length > 0) response.setHeader('x-requests-left', left);
  return 'next';
});
