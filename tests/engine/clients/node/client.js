// @clickhouse/client against the server at argument 1, as the writer with the password of argument 2: the feature of
// argument 3, with the table of argument 4. Ends with 1 at a failure.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { createClient } from '@clickhouse/client'

const [url, password, feature, table] = process.argv.slice(2)
const LINES = 2_000
const NUMBERS = 5_000_000
const ODD = "it's \\ one\n\tü$x"
const MOST = '18446744073709551615'
const FAILS_LATE = `SELECT number, throwIf(number = 2000000, 'too far') FROM numbers(3000000)
  SETTINGS max_block_size = 10000`
const ENDLESS = 'SELECT count() FROM system.numbers WHERE NOT ignore(sleepEachRow(1)) SETTINGS max_block_size = 1'

function connect(compressed = false, more = {}) {
  const compression = { request: compressed, response: compressed }
  return createClient({ url, username: 'writer', password, log: { level: 127 }, compression, ...more })
}

// 64-bit numbers and decimals are strings in JSON, as the server quotes them.
function line(id) {
  return {
    id: `${id}`, name: `náme ${id}\n\t'\\`, score: id % 2 === 0 ? id / 8 : null,
    seen: new Date((1676369730 + id + 9 * 3600) * 1000).toISOString().slice(0, 19).replace('T', ' '),
    at: new Date(1676369730123 + id).toISOString().replace('T', ' ').replace('Z', ''),
    tags: [`t${id}`, ''], tier: id % 3 === 0 ? 'pro' : 'free', price: (1 + id / 10000).toFixed(4), ok: id % 2 === 0,
    uid: `00000000-0000-4000-8000-${`${id}`.padStart(12, '0')}`,
  }
}

async function rows(client, from) {
  const values = Array.from({ length: LINES }, (_, at) => line(from + at))
  await client.insert({ table, values, format: 'JSONEachRow' })
  const got = await client.query({
    query: `SELECT * FROM ${table} WHERE id >= {from:UInt64} ORDER BY id LIMIT ${LINES}`, format: 'JSONEachRow',
    query_params: { from }, clickhouse_settings: {
      output_format_json_quote_64bit_integers: 1, output_format_json_quote_decimals: 1,
      output_format_decimal_trailing_zeros: 1,
    },
  })
  assert.deepEqual(await got.json(), values)
}

async function count(client, query) {
  const got = await client.query({ query, format: 'JSONCompactEachRow' })
  let count = 0
  for await (const piece of got.stream()) {
    for (const row of piece) assert.equal(Number(row.json()[0]), count++)
  }
  return count
}

async function running(client, id) {
  const query = 'SELECT count() AS n FROM system.processes WHERE query_id = {id:String}'
  const got = await client.query({ query, query_params: { id }, format: 'JSONEachRow' })
  return Number((await got.json())[0].n)
}

const features = {
  async ping(client) {
    assert.ok((await client.ping()).success)
  },
  async rows(client) {
    await rows(client, 0)
  },
  async compressed() {
    const client = connect(true)
    await rows(client, 0)
    await client.close()
  },
  async parameters(client) {
    const query_params = { text: ODD, most: MOST, tags: ['a', "b'"] }
    const query = 'SELECT {text:String} AS text, {most:UInt64} AS most, {tags:Array(String)} AS tags'
    const clickhouse_settings = { output_format_json_quote_64bit_integers: 1 }
    const got = await (await client.query({ query, query_params, format: 'JSON', clickhouse_settings })).json()
    assert.deepEqual([got.data[0].text, `${got.data[0].most}`, got.data[0].tags], [ODD, MOST, query_params.tags])
  },
  async streamed(client) {
    assert.equal(await count(client, `SELECT number FROM numbers(${NUMBERS})`), NUMBERS)
  },
  async error(client) {
    await assert.rejects(client.query({ query: 'SELECT nope' }), { code: '47' })
  },
  async 'late error'(client) {
    await assert.rejects(count(client, FAILS_LATE))
  },
  async cancelled(client) {
    const id = randomUUID()
    const stop = new AbortController()
    const ended = client.query({ query: ENDLESS, query_id: id, abort_signal: stop.signal })
    const aborted = assert.rejects(ended, /abort/i)
    while ((await running(client, id)) === 0);
    stop.abort()
    await aborted
    while ((await running(client, id)) > 0);
  },
  async session() {
    const client = connect(false, { session_id: randomUUID() })
    await client.command({ query: 'CREATE TEMPORARY TABLE kept (a UInt8)' })
    await client.insert({ table: 'kept', values: [[7]], format: 'JSONCompactEachRow' })
    const kept = await client.query({ query: 'SELECT * FROM kept', format: 'JSONEachRow' })
    assert.deepEqual(await kept.json(), [{ a: 7 }])
    await client.close()
  },
}

const client = connect()
await features[feature](client)
await client.close()
