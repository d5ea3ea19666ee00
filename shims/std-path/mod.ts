// Stands in for `jsr:@std/path@^1` in a checkout that cannot reach JSR: the functions that we use. The published package never contains it.
export { dirname, join, resolve } from "node:path";
export { fileURLToPath as fromFileUrl } from "node:url";
