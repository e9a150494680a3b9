// Between `wasi:http` 0.3, whose bodies are streams, and plain values.
import { Fields, Request, Response } from "wasi:http/types@0.3.0";

// The longest body that is taken, in bytes.
const BODY_BYTES_MAX = 16384;

// A problem as RFC 9457 writes it: an answer that is thrown.
export class Problem {
  constructor(status, title, more = {}, headers = {}) {
    this.status = status;
    this.headers = { ...headers, "content-type": "application/problem+json" };
    this.json = { type: "about:blank", title, status, ...more };
  }
}

// Method in capitals, path, query as a map, headers, and the body where it is asked for.
export function opened(request) {
  const [path, query = ""] = (request.getPathWithQuery() ?? "/").split("?");
  const { tag, val } = request.getMethod();
  const headers = request.getHeaders();
  const header = (name) => headers.get(name).map(latin1)[0];
  return { method: val ?? tag.toUpperCase(), path, query: parsed(query), header, body: () => read(request) };
}

// A response of `{ status, headers, json }`; without `json` it has no body.
export function answered({ status, headers = {}, json }) {
  const fields = new Fields();
  for (const [name, value] of Object.entries({ "content-type": "application/json", ...headers })) {
    if (json !== undefined || name !== "content-type") fields.append(name, utf8(value));
  }
  const body = json === undefined ? null : [utf8(JSON.stringify(json) + "\n")];
  const [response] = Response.new(fields, body, soon(null, wit.Future.RESULT_OPTION_OTHER_ERROR_CODE));
  response.setStatusCode(status);
  return response;
}

async function read(request) {
  const [stream] = Request.consumeBody(request, soon(undefined, wit.Future.RESULT_VOID_ERROR_CODE));
  let bytes = "";
  for await (const chunk of stream) {
    bytes += latin1(chunk);
    if (bytes.length > BODY_BYTES_MAX) {
      throw new Problem(413, "The body is too long", { detail: `A body has ${BODY_BYTES_MAX} bytes at most.` });
    }
  }
  try {
    return JSON.parse(decodeURIComponent(escape(bytes)));
  } catch (error) {
    throw new Problem(400, "The body is not JSON", { detail: error.message });
  }
}

// A future that comes true with this value.
function soon(val, type) {
  return wit.Future.from({ tag: "ok", val }, type).readable;
}

function parsed(query) {
  const decode = (text) => {
    try {
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch {
      throw new Problem(400, "The query is not encoded as one");
    }
  };
  return new Map(query.split("&").map((pair) => [...pair.split("=").map(decode), ""].slice(0, 2)));
}

// The engine has neither TextEncoder nor TextDecoder.
export function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}

export function text(bytes) {
  return decodeURIComponent(escape(latin1(bytes)));
}

function latin1(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
