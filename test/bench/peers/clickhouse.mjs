// ClickHouse on the rows of bench_event: node clickhouse.mjs FILE.csv THREADS
import { Session } from 'chdb';

const [file, threads] = process.argv.slice(2);
const session = new Session(process.env.PEER_DATABASE);
session.query('CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic');
session.query(`CREATE TABLE IF NOT EXISTS bench.event (customer_id Int64, ordered_at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY ordered_at`);
if (session.query('SELECT count() FROM bench.event', 'CSV').trim() === '0')
  session.query(`INSERT INTO bench.event SELECT * FROM file('${file}', 'CSV', 'customer_id Int64, ordered_at DateTime64(6, \\'UTC\\')')`);
const month = '(toYear(ordered_at) - 2024) * 12 + toMonth(ordered_at) - 1';
const queries = {
  'ClickHouse, everybody\'s SQL': `
    WITH first AS (SELECT customer_id, toStartOfMonth(min(ordered_at)) AS cohort FROM bench.event GROUP BY customer_id),
      active AS (SELECT DISTINCT customer_id, toStartOfMonth(ordered_at) AS month FROM bench.event)
    SELECT cohort, month, count() AS n FROM active JOIN first USING (customer_id) GROUP BY cohort, month ORDER BY 1, 2`,
  'ClickHouse, expert groupBitOr': `
    SELECT cohort, k, sum(bitAnd(bitShiftRight(bits, cohort + k), 1)) AS n
    FROM (SELECT customer_id, min(m) AS cohort, groupBitOr(bitShiftLeft(toUInt64(1), m)) AS bits
          FROM (SELECT customer_id, toUInt8(${month}) AS m FROM bench.event) GROUP BY customer_id)
    ARRAY JOIN range(24) AS k WHERE cohort + k < 24 GROUP BY cohort, k ORDER BY 1, 2`,
  'ClickHouse, retention()': `
    SELECT 0 AS a, 0 AS b, sum(arraySum(r)) AS n
    FROM (SELECT customer_id, retention(${Array.from({ length: 24 }, (_, k) => `m = ${k}`).join(', ')}) AS r
          FROM (SELECT customer_id, toUInt8(${month}) AS m FROM bench.event) GROUP BY customer_id)`,
};
const rounds = 5;
for (const [name, sql] of Object.entries(queries)) {
  const seconds = [];
  let answer;
  for (let run = 0; run < rounds; run++) {
    const started = performance.now();
    answer = session.query(`${sql} SETTINGS max_threads = ${threads}`, 'CSV');
    seconds.push((performance.now() - started) / 1000);
  }
  seconds.sort((a, b) => a - b);
  const total = answer.trim().split('\n').reduce((sum, line) => sum + Number(line.split(',')[2]), 0);
  console.log(`${name} | ${threads} | ${rounds} | ${seconds[0].toFixed(2)} | ${seconds[2].toFixed(2)} | ${total}`);
}
