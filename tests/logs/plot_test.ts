import { assertEquals } from "@std/assert";
import { lossSvg } from "../../src/logs/plot.ts";
import { log, recorded } from "./recorded_log.ts";

Deno.test("lossSvg() gives the recorded plot", async () => {
  assertEquals(lossSvg([log, { ...log, run: "a<b" }]), await Deno.readTextFile(recorded("log.svg")));
});
