// The conformance component in JavaScript. It asks nobody: componentize-qjs cannot import async functions yet.
import { get as setting } from "wasi:config/store@0.2.0-rc.1";
import { open } from "wasi:keyvalue/store@0.2.0-draft2";
import { log } from "wasi:logging/logging@0.1.0-draft";
import { Fields, Request, Response } from "wasi:http/types@0.3.0";

export const values = {
  echo: (v) => v,
  settle(v) {
    if (v.tag === "named") throw v.val;
    return v;
  },
  told: (huge, long, text) => `${huge} ${long} ${[...text].length}`,
};

export const handler = {
  async handle(request) {
    const [path, query = ""] = (request.getPathWithQuery() ?? "").split("?");
    if (path === "/echo") return answer(201, await whole(Request, request));
    const [status, text] = told(path, query);
    return answer(status, utf8(text));
  },
};

function told(path, query) {
  if (path === "/keep") return [200, kept(...query.split("="))];
  if (path === "/setting") return [200, setting(query) ?? "nothing"];
  if (path === "/note") {
    log("warn", "conform", query);
    return [200, "noted"];
  }
  return [404, "no such page"];
}

// What was at the key before.
function kept(key, value) {
  const bucket = open("default");
  const before = bucket.get(key);
  bucket.set(key, utf8(value));
  return before === null || before === undefined ? "nothing" : latin1(before);
}

async function whole(kind, message) {
  const [stream] = kind.consumeBody(message, soon(undefined, wit.Future.RESULT_VOID_ERROR_CODE));
  const content = [];
  for await (const chunk of stream) content.push(...chunk);
  return Uint8Array.from(content);
}

function answer(status, content) {
  const fields = new Fields();
  fields.append("x-conform", utf8("yes"));
  const [response] = Response.new(fields, [content], soon(null, wit.Future.RESULT_OPTION_OTHER_ERROR_CODE));
  response.setStatusCode(status);
  return response;
}

// A future that comes true with this value.
function soon(val, type) {
  return wit.Future.from({ tag: "ok", val }, type).readable;
}

// The engine has neither TextEncoder nor TextDecoder.
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}

function latin1(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
