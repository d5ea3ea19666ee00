import { assert, assertEquals } from "@std/assert";
import {
  EOS,
  EQUALS,
  MAX_OPERAND,
  PAD,
  PLUS,
  PROMPT_LENGTH,
  promptTokens,
  QUERIES,
  readSum,
  targetTokens,
  VOCABULARY,
} from "../../src/model/vocabulary.ts";
import { adderBoardCases } from "../golden.ts";

Deno.test("VOCABULARY has every token at its id", () => {
  assertEquals([VOCABULARY[PLUS], VOCABULARY[EQUALS], VOCABULARY[PAD], VOCABULARY[EOS]], ["+", "=", "<PAD>", "<EOS>"]);
  for (let digit = 0; digit < 10; digit++) assertEquals(VOCABULARY[digit], String(digit));
});

Deno.test("promptTokens() pads both operands to ten digits", () => {
  assertEquals(promptTokens(42, 7), [0, 0, 0, 0, 0, 0, 0, 0, 4, 2, PLUS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, EQUALS]);
  const spelled = promptTokens(9876543210, MAX_OPERAND).map((token) => VOCABULARY[token]).join("");
  assertEquals(spelled, "9876543210+9999999999=");
  assertEquals(promptTokens(0, 0).length, PROMPT_LENGTH);
});

Deno.test("targetTokens() spells the sum from the ones up and ends it", () => {
  assertEquals(targetTokens(42, 7), [9, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, EOS]);
  assertEquals(targetTokens(MAX_OPERAND, MAX_OPERAND), [8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1, EOS]);
  assertEquals(targetTokens(0, 0).length, QUERIES);
});

Deno.test("readSum() reads what targetTokens() wrote, at any offset", async () => {
  const cases = await adderBoardCases();
  assert(cases.length > 10_000);
  for (const { a, b, sum } of cases) {
    assertEquals(readSum(targetTokens(a, b)), sum);
    assertEquals(readSum([PAD, PAD, ...targetTokens(a, b)], 2), sum);
  }
});

Deno.test("readSum() is NaN where one of the eleven tokens is not a digit, and ignores the twelfth", () => {
  for (const token of [PLUS, EQUALS, PAD, EOS]) {
    for (let position = 0; position < 11; position++) {
      const tokens = targetTokens(1, 2);
      tokens[position] = token;
      assertEquals(readSum(tokens), NaN);
    }
  }
  assertEquals(readSum([...targetTokens(1, 2).slice(0, 11), PLUS]), 3);
});
