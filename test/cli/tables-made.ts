// Tables for tests of the detector: customers with all kinds of columns, and a plant of sensors.

/** Random numbers in [0, 1) that are the same in every run. */
export function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const csv = (header: string, rows: readonly (readonly (string | number)[])[]): string =>
  `${[header, ...rows.map((row) => row.join(","))].join("\n")}\n`;

/** Id, date, two categories, three numbers of which one is sometimes missing, and a constant. */
export function customers(count: number, seed: number, change: Change = () => ({})): string {
  const random = numbersFrom(seed);
  const rows = Array.from({ length: count }, (_, i) => {
    const pick = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)];
    const plan = pick(["free", "basic", "pro"]) ?? "";
    const seats = plan === "pro" ? 10 + Math.floor(random() * 30) : 1 + Math.floor(random() * 3);
    const price = { free: 0, basic: 10, pro: 29 }[plan] ?? 0;
    const row = {
      id: `C${1000 + i}`,
      signup: `2024-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 9)}`,
      country: pick(["DE", "DE", "FR", "IT"]) ?? "",
      plan,
      seats,
      revenue: (seats * price * (0.95 + 0.1 * random())).toFixed(2),
      age: random() < 0.05 ? "n/a" : String(20 + Math.floor(random() * 50)),
      currency: "EUR",
    };
    return Object.values({ ...row, ...change(i) });
  });
  return csv("customer_id,signup,country,plan,seats,revenue,age,currency", rows);
}

type Change = (row: number) => Readonly<Record<string, string | number>>;

/** A time, three sensors that follow one load, and a valve that stays open. */
export function sensors(count: number, seed: number, change: Change = () => ({})): string {
  const random = numbersFrom(seed);
  const rows = Array.from({ length: count }, (_, i) => {
    const load = Math.sin(i / 40) + 0.3 * random();
    const time = new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString();
    const row = {
      time: time.slice(0, 19).replace("T", " "),
      temp: (70 + 5 * load + 0.5 * random()).toFixed(3),
      pressure: (3 + load + 0.1 * random()).toFixed(4),
      flow: (30 + 4 * load + 0.4 * random()).toFixed(3),
      valve: "open",
    };
    return Object.values({ ...row, ...change(i) });
  });
  return csv("time,temp,pressure,flow,valve", rows);
}
