// Items in a key-value store, as JSON: plain functions of plain values, answered over a link.
import { delete as remove, get, getMany, increment, listKeys, set, swap } from "lath:keyvalue/store@0.1.0";
import { text, utf8 } from "./http.js";

const ITEMS = "items";
// What a batch of the store names at most.
const BATCH = 256;
// Changes of one item that are tried while others change it too.
const TRIES = 16;

// Some items by id, and where the next begin.
export function list(cursor) {
  const page = listKeys(ITEMS, cursor ?? null);
  const values = [];
  for (let at = 0; at < page.keys.length; at += BATCH) {
    values.push(...getMany(ITEMS, page.keys.slice(at, at + BATCH)));
  }
  // One that was removed meanwhile is not there.
  const items = values.filter((value) => value != null).map(parsed);
  return { items: items.sort((one, other) => one.id - other.id), next: page.cursor ?? null };
}

export function add(fields) {
  const item = { id: increment("ids", "last", 1, null), version: 1, ...fields };
  set(ITEMS, key(item.id), utf8(JSON.stringify(item)));
  return item;
}

// An item, or undefined.
export function find(id) {
  const value = get(ITEMS, key(id));
  return value == null ? undefined : parsed(value);
}

// The item as `change` makes it of what is there; undefined where nothing is. Nobody's change is lost: where somebody else
// changes it at the same moment, `change` sees it again.
export function replace(id, change) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const seen = get(ITEMS, key(id));
    if (seen == null) return undefined;
    const item = parsed(seen);
    const changed = { id: item.id, version: item.version + 1, ...change(item) };
    if (swap(ITEMS, key(id), seen, utf8(JSON.stringify(changed)))) return changed;
  }
  throw { tag: "other", val: "too many change this item at once" };
}

// Whether there was such an item.
export function drop(id) {
  const was = get(ITEMS, key(id)) != null;
  remove(ITEMS, key(id));
  return was;
}

function key(id) {
  return String(id);
}

function parsed(value) {
  return JSON.parse(text(value));
}
