// Carries GraphiQL's operations: HTTP POST, and graphql-transport-ws for subscriptions.
import { getOperationAST, parse } from 'graphql'
import { createClient } from 'graphql-ws'
import { session } from './session.js'

const ENDPOINT = '/graphql'

export function fetcher({ query, operationName, variables }, { headers } = {}) {
  const operation = chosen(query, operationName)
  const request = {
    query,
    operationName: operation?.name?.value,
    variables: complete(operation, variables),
  }
  const send = operation?.operation === 'subscription' ? listen : post
  return send(request, authorized(headers))
}

// GraphiQL parses with a delay, so right after a change of tabs the operation name it passes
// may still be the other tab's; the text is what counts. A syntax error is the server's to tell.
function chosen(query, operationName) {
  try {
    const document = parse(query)
    return getOperationAST(document, operationName) ?? getOperationAST(document)
  } catch {
    return null
  }
}

// The headers editor wins over the token field; names are compared without case.
function authorized(headers = {}) {
  const given = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return session.token ? { authorization: `Bearer ${session.token}`, ...given } : given
}

// Variables left out are filled in: $key anew for each run, $storeId from the store field.
function complete(operation, variables = {}) {
  const known = { key: crypto.randomUUID(), storeId: session.storeId || undefined }
  const declared = operation?.variableDefinitions?.map((each) => each.variable.name.value) ?? []
  const filled = declared.filter((name) => known[name] && variables[name] === undefined)
  return { ...variables, ...Object.fromEntries(filled.map((name) => [name, known[name]])) }
}

export async function post(request, headers = authorized()) {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(request),
  })
  const text = await response.text()
  const result = parsed(text) ?? { errors: [{ message: `HTTP ${response.status}: ${text}` }] }
  const token = result.data?.signIn?.accessToken
  if (token) session.token = token
  return result
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

// One socket per subscription, so each carries the headers it was started with.
function listen(request, headers) {
  return {
    subscribe(observer) {
      const client = createClient({
        url: new URL(ENDPOINT, location.href.replace(/^http/, 'ws')).href,
        connectionParams: headers,
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
