// Calls the contract as any function. Where it is answered, and in which language, the manifest says.
import { greet } from "example:my-actor/greeter@0.1.0";

export const desk = {
  welcome: (guests) => guests.map(line),
};

function line(guest) {
  try {
    return greet(guest);
  } catch (error) {
    const { tag, val } = error.payload ?? error;
    if (tag === "nobody") return "Who is there?";
    if (tag === "transport") return `No greeting: ${val}`;
    throw error;
  }
}
