// Says hello to whom the path names. It knows of no middleware.
export const handler = {
  handleRequest({ path }) {
    const header = [["content-type", "text/plain; charset=utf-8"]];
    return { statusCode: 200, header, body: utf8(`Hello, ${path.split("/").at(-1) || "world"}!\n`) };
  },
};

// The engine has no TextEncoder.
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}
