// Runs one GraphQL client, as its users configure it, through the same checks against a server.
// usage: node checks.mjs CLIENT, with the server and the test data as JSON on stdin.
// Prints one JSON object: for each check "ok" or why it failed.
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { clients } from './clients.mjs'
import { openProxy } from './proxy.mjs'

const STORES = 'query Stores { stores { id name } }'
const SELL = `mutation Sell($input: SellInput!) {
  sell(input: $input) { __typename ... on Movement { id } ... on Problem { code message } }
}`
const LEVEL = `query Level($product: UUID!, $store: UUID!) {
  product(id: $product) { level(storeId: $store) { onHand version } }
}`
const MISTAKE = 'query Mistake { product(id: "not an id") { name } }'
const FEED = `subscription Feed($store: UUID!, $after: Revision) {
  storeFeed(storeId: $store, after: $after) {
    __typename
    ... on StoreSnapshot { revision levels { product { id } onHand version } }
    ... on StoreChange { fromRevision revision levels { product { id } onHand version } }
    ... on Resync { revision }
  }
}`
const TIMEOUT_MS = 10_000

const { url, token, stores, product } = JSON.parse(await text(process.stdin))
const proxy = await openProxy(new URL(url))
const client = await clients[process.argv[2]]({ url: proxy.url, token })

// Asks the server directly, past the client and the proxy.
async function post(query, variables) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

function sale(store, quantity = '1') {
  const lines = [{ productId: product, quantity }]
  return { input: { key: randomUUID(), storeId: store, lines } }
}

const sellIn = async (store) => expect(await post(SELL, sale(store)), 'Movement')

async function levelOf(store) {
  return (await post(LEVEL, { product, store })).product.level
}

function expect(data, type) {
  const value = Object.values(data ?? {})[0]
  if (value?.__typename !== type) throw new Error(`expected ${type}: ${JSON.stringify(data)}`)
  return value
}

async function until(holds, what) {
  const deadline = Date.now() + TIMEOUT_MS
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${TIMEOUT_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

// A screen that shows a store's levels, as the feed tells them.
class Screen {
  constructor(store, after) {
    this.store = store
    this.events = []
    this.errors = []
    this.levels = new Map()
    this.stop = client.follow(FEED, { store, after }, {
      next: ({ data, errors }) => {
        this.errors.push(...(errors ?? []))
        if (data?.storeFeed) this.show(data.storeFeed)
      },
      error: (error) => this.errors.push(...errorsOf(error)),
    })
  }

  show(event) {
    this.events.push(event)
    if (event.__typename === 'StoreSnapshot') this.levels.clear()
    this.revision = event.revision
    for (const level of event.levels ?? []) this.levels.set(level.product.id, level)
  }

  // Waits until the screen shows what the server answers now.
  async converge() {
    const { onHand, version } = await levelOf(this.store)
    const shows = () => {
      const level = this.levels.get(product)
      return level?.version === version && level.onHand === onHand
    }
    await until(shows, `${this.events.map((each) => each.__typename)} lead to version ${version}`)
  }
}

function errorsOf(error) {
  if (Array.isArray(error)) return error
  return error?.errors ?? error?.graphQLErrors ?? [error]
}

async function run(query, variables) {
  try {
    return await client.run(query, variables)
  } catch (error) {
    return { errors: errorsOf(error) }
  }
}

function codeOf(errors, code) {
  const [error] = errors
  if (error?.extensions?.code !== code) throw new Error(`expected ${code}: ${JSON.stringify(errors)}`)
}

let screen
const checks = {
  async query() {
    const { data } = await run(STORES)
    if (data?.stores?.length !== stores.length) throw new Error(JSON.stringify(data))
  },
  async mutation() {
    expect((await run(SELL, sale(stores[0]))).data, 'Movement')
  },
  async problem() {
    const { code } = expect((await run(SELL, sale(stores[0], '999999'))).data, 'OutOfStock')
    if (code !== 'OUT_OF_STOCK') throw new Error(code)
  },
  async errorCode() {
    codeOf((await run(MISTAKE)).errors ?? [], 'BAD_INPUT')
  },
  async feed() {
    screen = new Screen(stores[0])
    await until(() => screen.events.length, 'the first event')
    expect({ event: screen.events[0] }, 'StoreSnapshot')
    await sellIn(stores[0])
    await screen.converge()
    expect({ event: screen.events[1] }, 'StoreChange')
  },
  async severalFeeds() {
    const before = client.sockets?.()
    const other = new Screen(stores[1])
    await until(() => other.events.length, 'the first event of the other store')
    await sellIn(stores[1])
    await other.converge()
    await sellIn(stores[0])
    await screen.converge()
    other.stop()
    if (client.sockets?.() !== before) throw new Error(`${client.sockets()} sockets`)
  },
  async feedError() {
    const failing = new Screen(randomUUID())
    await until(() => failing.errors.length, 'an error')
    failing.stop()
    codeOf(failing.errors, 'BAD_INPUT')
    await sellIn(stores[0])
    await screen.converge()
  },
  async reconnect() {
    proxy.cut()
    await sellIn(stores[0])
    if (client.reconnects === false) {
      screen.stop()
      screen = new Screen(stores[0], screen.revision)
    }
    await screen.converge()
  },
  async resume() {
    screen.stop()
    const { revision } = screen
    await sellIn(stores[0])
    const resumed = new Screen(stores[0], revision)
    await resumed.converge()
    const { fromRevision } = expect({ event: resumed.events[0] }, 'StoreChange')
    if (fromRevision !== revision) throw new Error(`${fromRevision} follows ${revision}`)
    screen = resumed
  },
  async unsubscribe() {
    screen.stop()
    const { length } = screen.events
    const other = new Screen(stores[0])
    await sellIn(stores[0])
    await other.converge()
    other.stop()
    if (screen.events.length !== length) throw new Error('an event came after the end')
  },
}

const outcomes = {}
for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
    outcomes[name] = 'ok'
  } catch (error) {
    outcomes[name] = error?.stack ?? String(error)
  }
}
console.log(JSON.stringify(outcomes))
process.exit(0)
