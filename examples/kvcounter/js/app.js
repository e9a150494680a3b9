// Counts visits by path in a key-value store. Plain business logic: no platform code.
import { increment } from "lath:keyvalue/counter@0.1.0";

export const handler = {
  handleRequest({ path, queryString }) {
    const [statusCode, body] = count(keyOf(path), amountOf(queryString));
    return {
      statusCode,
      header: [["content-type", "application/json"]],
      body: utf8(JSON.stringify(body)),
    };
  },
};

function count(key, amount) {
  try {
    return [200, { counter: increment(key, amount) }];
  } catch (error) {
    return [500, { error: describe(error.payload ?? error) }];
  }
}

// `/a/b` is counted under `counter:a:b`.
function keyOf(path) {
  return `counter:${path.replace(/^\//, "").replaceAll("/", ":")}`;
}

// The query's `amount`, or 1 when it is missing or not a 32-bit number.
function amountOf(query) {
  for (const pair of query.split("&")) {
    const [name, ...value] = pair.split("=");
    if (decode(name) === "amount") return parse(decode(value.join("=")));
  }
  return 1;
}

function parse(text) {
  const number = /^[+-]?[0-9]+$/.test(text) ? Number(text) : 1;
  return number === (number | 0) ? number : 1;
}

// Form decoding of ASCII, which is all that a name or number here can be; never throws.
function decode(text) {
  return text
    .replaceAll("+", " ")
    .replace(/%[0-9a-f]{2}/gi, (hex) => String.fromCharCode(parseInt(hex.slice(1), 16)));
}

// The text that the Rust twin prints: `RpcError::Transport("no host")`.
function describe({ tag, val }) {
  const name = tag.replace(/(^|-)(.)/g, (_, dash, letter) => letter.toUpperCase());
  return `RpcError::${name}${val === undefined ? "" : `(${JSON.stringify(val)})`}`;
}

// The engine has no TextEncoder.
function utf8(text) {
  const bytes = unescape(encodeURIComponent(text));
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}
