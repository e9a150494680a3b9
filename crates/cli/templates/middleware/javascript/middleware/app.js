// Passes requests on, and adds a header to each answer. They are plain values: the tools cannot build JavaScript that calls
// async functions yet, such as those of `wasi:http` 0.3.
import { handleRequest } from "lath:httpserver/handler@0.1.0";

export const handler = {
  handleRequest(request) {
    const answer = passed(request);
    return { ...answer, header: [...answer.header, ["x-my-actor", "passed"]] };
  },
};

// What goes wrong behind it goes wrong before it.
function passed(request) {
  try {
    return handleRequest(request);
  } catch (error) {
    throw error.payload ?? error;
  }
}
