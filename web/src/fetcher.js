// Carries GraphiQL's operations: HTTP POST, and graphql-transport-ws for subscriptions.
import { getOperationAST, parse } from 'graphql'
import { createClient } from 'graphql-ws'
import { session, setToken, signedIn } from './session.js'

const ENDPOINT = '/graphql'
const NO_ID = '00000000-0000-0000-0000-000000000000'
const DEMO = 'demo'
const RENEW_MS = 60_000
const FORBIDDEN = 4403
const REFRESH = `mutation Refresh($refreshToken: String!) {
  refreshSession(input: { refreshToken: $refreshToken }) {
    ... on SignedIn { accessToken refreshToken expiresAt }
  }
}`

export function fetcher({ query, operationName, variables }, { headers } = {}) {
  const operation = chosen(query, operationName)
  const request = {
    query,
    operationName: operation?.name?.value,
    variables: complete(operation, variables),
  }
  return operation?.operation === 'subscription' ? listen(request, headers) : post(request, headers)
}

// GraphiQL parses with a delay, so right after a change of tabs the operation name it passes
// may still be the other tab's; then the text decides. A syntax error is left to the server.
function chosen(query, operationName) {
  try {
    const document = parse(query)
    return getOperationAST(document, operationName) ?? getOperationAST(document)
  } catch {
    return null
  }
}

// Fills in variables that are left out: a new $key for each run, $storeId and $store of the store
// chosen above, $orderId of the order placed last, $stocktakeId of the one opened last. Before signing in the ids belong to nothing, so
// that the answer says to sign in and not that a variable is missing.
function complete(operation, variables = {}) {
  const known = {
    key: uuid(),
    storeId: session.storeId || NO_ID,
    store: session.store || DEMO,
    orderId: session.orderId || NO_ID,
    stocktakeId: session.stocktakeId || NO_ID,
  }
  const declared = operation?.variableDefinitions?.map((each) => each.variable.name.value) ?? []
  const missing = declared.filter((name) => name in known && variables[name] === undefined)
  return { ...variables, ...Object.fromEntries(missing.map((name) => [name, known[name]])) }
}

// Not crypto.randomUUID, which browsers offer only over HTTPS and on localhost.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

export async function post(request, headers) {
  const result = await exchange(request, await authorized(headers))
  if (result.data?.signIn?.accessToken) signedIn(result.data.signIn)
  if (result.data?.placeOrder?.id) session.orderId = result.data.placeOrder.id
  if (result.data?.openStocktake?.id) session.stocktakeId = result.data.openStocktake.id
  return result
}

async function exchange(request, headers) {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(request),
  })
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    return { errors: [{ message: `HTTP ${response.status}: ${text}` }] }
  }
}

// The headers editor wins over the token field; names are compared without case.
async function authorized(headers) {
  await renewed()
  const given = Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return session.token ? { authorization: `Bearer ${session.token}`, ...given } : given
}

// An access token is good for minutes. A refresh token is used once, so one renewal at a time.
let renewing = null

function renewed() {
  const due = session.refreshToken && Date.parse(session.expiresAt) - Date.now() < RENEW_MS
  if (due) renewing ??= renew().finally(() => (renewing = null))
  return renewing
}

async function renew() {
  const variables = { refreshToken: session.refreshToken }
  const { data } = await exchange({ query: REFRESH, variables })
  if (data?.refreshSession.accessToken) signedIn(data.refreshSession)
  else setToken('')
}

// One socket per subscription: it sends the headers it was started with whenever it connects.
function listen(request, headers) {
  return {
    subscribe(observer) {
      let acknowledged = false
      const client = createClient({
        url: new URL(ENDPOINT, location.href.replace(/^http/, 'ws')).href,
        connectionParams: () => authorized(headers),
        on: {
          connecting: () => (acknowledged = false),
          connected: () => (acknowledged = true),
        },
        // A socket closed with 4403 before it was acknowledged has a bad token: do not try again.
        shouldRetry: (error) =>
          error instanceof CloseEvent && (acknowledged || error.code !== FORBIDDEN),
      })
      const stop = client.subscribe(request, {
        next: (result) => observer.next(result),
        error: (error) => observer.error(readable(error)),
        complete: () => observer.complete(),
      })
      return { unsubscribe: stop }
    },
  }
}

function readable(error) {
  if (!(error instanceof CloseEvent)) return error
  return { message: `WebSocket closed: ${error.code} ${error.reason}`.trim() }
}
