/** `deno task test:load`: 10^8 additions, 10^6 engines, 10^4 of three threads; or that many times a share. */
import { additions, engines } from "./load.ts";

const share = Number(Deno.args[0] ?? 1);
console.log(JSON.stringify(await additions(1e8 * share)));
console.log(JSON.stringify(await engines(1e6 * share, 1)));
console.log(JSON.stringify(await engines(1e4 * share, 3)));
