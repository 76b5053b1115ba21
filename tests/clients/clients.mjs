// The clients, configured as their documentation shows it: `run` an operation, `follow` a feed.
// `sockets` counts the WebSockets opened; `reconnects: false` marks a client that does not.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client/core'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import WebSocket from 'ws'

// Apollo's link names the browser's global, which Node has from version 22 on.
globalThis.WebSocket ??= WebSocket

function openWs({ url, token }) {
  let sockets = 0
  const client = createWs({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    shouldRetry: () => true,
    on: { connected: () => sockets++ },
  })
  return { client, sockets: () => sockets }
}

const overSubscriptions = (client) => ({
  run: (query, variables) =>
    new Promise((resolve, reject) => {
      let result
      const next = (value) => (result = value)
      client.subscribe({ query, variables }, { next, error: reject, complete: () => resolve(result) })
    }),
  follow: (query, variables, sink) =>
    client.subscribe({ query, variables }, { complete() {}, ...sink }),
})

const overUrql = (client) => ({
  async run(query, variables) {
    const run = query.startsWith('mutation') ? client.mutation : client.query
    const { data, error } = await run(query, variables ?? {}).toPromise()
    if (error?.networkError) throw error.networkError
    return { data, errors: error?.graphQLErrors }
  },
  follow(query, variables, { next }) {
    const { unsubscribe } = client.subscription(query, variables).subscribe(({ data, error }) => {
      next({ data, errors: error && (error.graphQLErrors.length ? error.graphQLErrors : [error]) })
    })
    return unsubscribe
  },
})

// Apollo's cache drops the fields of `... on Problem` unless it knows the types of the interface.
async function readProblems({ url, token }) {
  const query = '{ __type(name: "Problem") { possibleTypes { name } } }'
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  })
  const { data } = await response.json()
  return data.__type.possibleTypes.map(({ name }) => name)
}

export const clients = {
  'graphql-ws'(server) {
    const { client, sockets } = openWs(server)
    return { ...overSubscriptions(client), sockets }
  },

  'graphql-sse'({ url, token }) {
    const headers = { authorization: `Bearer ${token}` }
    return overSubscriptions(createSse({ url: `${url}/graphql`, headers }))
  },

  urql(server) {
    const { client: ws, sockets } = openWs(server)
    const forwardSubscription = ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: ws.subscribe({ query, variables }, sink) }),
    })
    const client = new Client({
      url: `${server.url}/graphql`,
      preferGetMethod: false,
      fetchOptions: { headers: { authorization: `Bearer ${server.token}` } },
      exchanges: [cacheExchange, fetchExchange, subscriptionExchange({ forwardSubscription })],
    })
    return { ...overUrql(client), sockets }
  },

  'urql over events'({ url, token }) {
    const client = new Client({
      url: `${url}/graphql`,
      preferGetMethod: false,
      fetchSubscriptions: true,
      fetchOptions: { headers: { authorization: `Bearer ${token}` } },
      exchanges: [cacheExchange, fetchExchange],
    })
    return { ...overUrql(client), reconnects: false }
  },

  async apollo(server) {
    const { client: ws, sockets } = openWs(server)
    const headers = { authorization: `Bearer ${server.token}` }
    const http = new HttpLink({ uri: `${server.url}/graphql`, headers })
    const isSubscription = ({ operationType }) => operationType === 'subscription'
    const client = new ApolloClient({
      cache: new InMemoryCache({ possibleTypes: { Problem: await readProblems(server) } }),
      link: ApolloLink.split(isSubscription, new GraphQLWsLink(ws), http),
    })
    return {
      sockets,
      run: (query, variables) =>
        query.startsWith('mutation')
          ? client.mutate({ mutation: gql(query), variables })
          : client.query({ query: gql(query), variables }),
      follow(query, variables, { next, error }) {
        const subscription = client.subscribe({ query: gql(query), variables }).subscribe({
          next: (result) => next({ data: result.data, errors: result.error?.errors }),
          error,
        })
        return () => subscription.unsubscribe()
      },
    }
  },
}
