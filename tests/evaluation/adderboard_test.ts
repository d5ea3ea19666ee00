import { assertEquals } from "@std/assert";
import { adderBoardCases } from "../../src/evaluation/adderboard.ts";
import { adderBoardCases as goldenCases } from "../golden.ts";

Deno.test("adderBoardCases() equals the public verifier's cases, in its order", async () => {
  const golden = await goldenCases();
  assertEquals(golden.length, 10_010);
  assertEquals(adderBoardCases(), Float64Array.from(golden.flatMap(({ a, b }) => [a, b])));
});

Deno.test("adderBoardCases() is the caller's to change", () => {
  adderBoardCases().fill(5);
  assertEquals(adderBoardCases().slice(0, 4), Float64Array.of(0, 0, 0, 1));
});
