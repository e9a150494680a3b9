// A JSON API of items: list, create, read, replace, delete. Bad input is answered with problems (RFC 9457).
import { answered, opened, Problem } from "./http.js";
import { add, drop, find, list, replace } from "./items.js";

export const handler = {
  async handle(request) {
    try {
      return answered(await answer(opened(request)));
    } catch (error) {
      return answered(problem(error));
    }
  },
};

const COLLECTION = {
  GET({ query }) {
    const { items, next } = list(query.get("cursor"));
    return { status: 200, json: { items, next: next && `/items?cursor=${encodeURIComponent(next)}` } };
  },
  async POST(request) {
    const item = add(validated(await request.body()));
    return { ...shown(item), status: 201, headers: { ...tagged(item), location: `/items/${item.id}` } };
  },
};

const ITEM = {
  GET: (_, id) => shown(known(find(id))),
  async PUT(request, id) {
    const [fields, match] = [validated(await request.body()), request.header("if-match")];
    const change = (item) => {
      if (match && match !== "*" && match !== tagged(item).etag) throw new Problem(412, "The item has been changed");
      return fields;
    };
    return shown(known(replace(id, change)));
  },
  DELETE(_, id) {
    known(drop(id) || undefined);
    return { status: 204 };
  },
};

async function answer(request) {
  const [, id] = /^\/items(?:\/([1-9][0-9]{0,15}))?$/.exec(request.path) ?? [undefined, null];
  if (id === null) throw new Problem(404, "There is no such page");
  const resource = id === undefined ? COLLECTION : ITEM;
  // `HEAD` is answered without the body by whoever serves this.
  const action = resource[request.method === "HEAD" ? "GET" : request.method];
  if (!action) throw new Problem(405, "The method is not for this", {}, { allow: Object.keys(resource).join(", ") });
  return action(request, id);
}

function known(item) {
  if (item === undefined) throw new Problem(404, "There is no such item");
  return item;
}

function shown(item) {
  return { status: 200, headers: tagged(item), json: item };
}

function tagged({ version }) {
  return { etag: `"${version}"` };
}

// What an item is made of, or a problem with all that is wrong.
function validated(body) {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Problem(422, "The item is not valid", { errors: [{ field: "", detail: "must be an object" }] });
  }
  const { name, quantity = 0, ...others } = body;
  const rules = [
    ["name", typeof name === "string" && name.length >= 1 && name.length <= 100, "must be a text of 1 to 100 characters"],
    ["quantity", Number.isInteger(quantity) && quantity >= 0 && quantity <= 1e6, "must be a whole number from 0 to 1000000"],
    ...Object.keys(others).map((field) => [field, false, "is not known"]),
  ];
  const errors = rules.filter(([, isGood]) => !isGood).map(([field, , detail]) => ({ field, detail }));
  if (errors.length > 0) throw new Problem(422, "The item is not valid", { errors });
  return { name, quantity };
}

// What was thrown, as an answer: our problems as they are, errors of the store as what they are.
function problem(error) {
  if (error instanceof Problem) return error;
  const { tag, val } = error.payload ?? error;
  return tag ? new Problem(503, "The store cannot do this", { detail: val ?? tag }) : new Problem(500, String(error));
}
