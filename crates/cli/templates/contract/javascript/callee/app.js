// Answers the contract: plain functions, wherever the calls come from.
export const greeter = {
  greet(name) {
    if (name.trim() === "") throw { tag: "nobody" };
    return `Hello, ${name.trim()}!`;
  },
};
