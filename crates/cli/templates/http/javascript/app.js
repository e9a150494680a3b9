// Says hello to whom the path names. Nothing here knows of Lath: the same component runs wherever `wasi:http` 0.3 is.
import { Fields, Response } from "wasi:http/types@0.3.0";

export const handler = {
  async handle(request) {
    return text(200, `Hello, ${name(request.getPathWithQuery() ?? "/")}!\n`);
  },
};

// The last step of the path; without one it is the world.
function name(path) {
  return path.split("?")[0].split("/").at(-1) || "world";
}

function text(status, body) {
  const fields = new Fields();
  fields.append("content-type", utf8("text/plain; charset=utf-8"));
  const noTrailers = wit.Future.from({ tag: "ok", val: null }, wit.Future.RESULT_OPTION_OTHER_ERROR_CODE).readable;
  const [response] = Response.new(fields, [utf8(body)], noTrailers);
  response.setStatusCode(status);
  return response;
}

// The engine has no TextEncoder.
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}
