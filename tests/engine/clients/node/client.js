// @clickhouse/client against the server at argv[2], as the writer with the password argv[3]; ends with 1 at a failure.
import assert from 'node:assert'
import { createClient } from '@clickhouse/client'

const quiet = { level: 127 }
for (const compressed of [false, true]) {
  const options = { url: process.argv[2], username: 'writer', password: process.argv[3], log: quiet }
  const client = createClient({ ...options, compression: { request: compressed, response: compressed } })
  await client.command({ query: 'CREATE OR REPLACE TABLE node (a UInt64, s String) ENGINE = MergeTree ORDER BY a' })
  const values = Array.from({ length: 20000 }, (_, a) => ({ a, s: `s${a}` }))
  await client.insert({ table: 'node', values, format: 'JSONEachRow' })
  const rows = await (await client.query({ query: 'SELECT * FROM node ORDER BY a', format: 'JSONEachRow' })).json()
  assert.deepEqual([rows.length, rows[7].s], [20000, 's7'])
  const text = "it's\n\t"
  const echo = await client.query({ query: 'SELECT {x:String} AS x', format: 'JSON', query_params: { x: text } })
  assert.equal((await echo.json()).data[0].x, text)
  await assert.rejects(client.query({ query: 'SELECT nope' }), { code: '47' })
  const session = createClient({ ...options, session_id: `node-${compressed}` })
  await session.command({ query: 'CREATE TEMPORARY TABLE kept (a UInt8)' })
  await session.insert({ table: 'kept', values: [[1]], format: 'JSONCompactEachRow' })
  const kept = await session.query({ query: 'SELECT * FROM kept', format: 'JSONEachRow' })
  assert.deepEqual(await kept.json(), [{ a: 1 }])
  assert.ok((await client.ping()).success)
  await Promise.all([client.close(), session.close()])
}
