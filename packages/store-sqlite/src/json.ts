/**
 * What this package itself wrote as JSON, read back. Only the one who wrote it knows its shape, and it was judged when
 * it came in, so this is the one place that takes it on trust.
 */
export function fromJson<Value>(text: string): Value {
  const value: unknown = JSON.parse(text);
  return value as Value;
}
