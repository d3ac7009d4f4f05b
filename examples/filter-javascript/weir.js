// What every filter in JavaScript wants of its own: text for bytes, answers in one line, and words for exceptions.

import * as log from 'weir:filter/log@0.1.1';
import * as reply from 'weir:filter/reply@0.1.1';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

// Bodies and the slot are bytes (`Uint8Array`). A string in their place is no error: it counts as empty.
export const text = (bytes) => decoder.decode(bytes);
export const bytes = (text) => encoder.encode(text);

// Answers in the upstream's place. `code` and `detail` are for the operator; the client does not see them.
export function answer(status, words, code, detail, headers = []) {
  reply.sendText(status, headers, `${words}\n`, { code, detail });
  return 'stop';
}

// A hook whose exceptions are logged: without it all that the operator reads is that the filter trapped. What is
// thrown without being an error (the faults of `configure`) is a result. `instanceof Error` would not do: errors
// that the imports throw are of another realm.
export function hook(name, run) {
  return {
    [name](...args) {
      try {
        return run(...args);
      } catch (error) {
        if (error?.stack !== undefined) {
          log.write('error', `${name}: ${error.name}: ${error.message} at ${places(error)}`);
        }
        throw error;
      }
    },
  };
}

// Where it was thrown, in one line; the frames of the generated bindings tell nothing.
function places({ stack }) {
  return stack.trim().split('\n').filter((frame) => !frame.includes('initializer.js')).join(', ');
}
