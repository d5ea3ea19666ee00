/**
 * Event files of TensorBoard: records as TensorFlow frames them, each an Event message.
 * https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/lib/io/record_writer.h and .../core/util/event.proto
 */
import { concatenate, pack } from "../checkpoint/common/bytes.ts";
import { crc32c } from "../checkpoint/common/crc32.ts";
import { double, type Field, float, int, message, string } from "../checkpoint/common/protobuf.ts";
import type { LogLine, RunLog } from "./run_log.ts";

/** Field numbers of Event. */
const [WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION_LOG] = [1, 2, 3, 5, 7];
/** The status of a SessionLog by which TensorBoard drops later steps of an earlier attempt. */
const START = 1;

/** The numbers of an event that become scalars, with their tags. */
const SCALARS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  step: {
    loss: "train/loss",
    learningRate: "train/learning_rate",
    gradientNorm: "train/gradient_norm",
    examplesPerSecond: "train/examples_per_second",
  },
  evaluation: { exactMatch: "evaluation/exact_match", digitAccuracy: "evaluation/digit_accuracy" },
};

/** CRC-32C, rotated and shifted, because records may hold checksums themselves. */
function maskedChecksum(bytes: Uint8Array): Uint8Array {
  const sum = crc32c(bytes);
  return pack("I", (sum >>> 15 | sum << 17) + 0xa282ead8);
}

/** A record: length, its checksum, content, its checksum. */
function record(...fields: readonly Field[]): Uint8Array {
  const content = concatenate(fields);
  const length = pack("II", content.length, 0);
  return concatenate([length, maskedChecksum(length), content, maskedChecksum(content)]);
}

function scalars(line: LogLine): Field[] {
  return Object.entries(SCALARS[line.event] ?? {}).flatMap(([name, tag]) => {
    const value = line[name];
    return typeof value === "number" ? [message(1, string(1, tag), float(2, value))] : [];
  });
}

/** An event file of a run. @param seconds The time of its events, in seconds since 1970: the log has none */
export function toEventFile({ lines }: RunLog, seconds: number): Uint8Array {
  const records = [record(double(WALL_TIME, seconds), string(FILE_VERSION, "brain.Event:2"))];
  const add = (step: number, content: Field) =>
    records.push(record(double(WALL_TIME, seconds), int(STEP, step), content));
  for (const line of lines) {
    const values = scalars(line);
    if (values.length > 0) add(Number(line.step), message(SUMMARY, ...values));
    else if (line.event === "restart") add(0, message(SESSION_LOG, int(1, START)));
  }
  return concatenate(records);
}
