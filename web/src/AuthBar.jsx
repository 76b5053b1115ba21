// The bar above GraphiQL: the account and the store that requests are made with.
import { useSchemaStore } from '@graphiql/react'
import { useEffect, useState } from 'react'
import icon from './icon.svg'
import { post } from './fetcher.js'
import { session, setToken, useSession } from './session.js'

const SIGN_IN = `mutation SignIn($login: String!, $password: String!) {
  signIn(input: { login: $login, password: $password }) {
    ... on SignedIn { accessToken refreshToken expiresAt }
    ... on Problem { message }
  }
}`
const VIEWER = '{ viewer { name stores { id code name } } }'

export function AuthBar() {
  const token = useSession('token')
  const { schema, introspect } = useSchemaStore()
  useEffect(() => {
    if (token && !schema) introspect()
  }, [token])
  return (
    <header className="kucun-bar">
      <img src={icon} alt="" width="24" height="24" />
      <strong>库存 Kucun</strong>
      <label className="kucun-token">
        <span>Authorization: Bearer</span>
        <input
          value={token}
          onChange={(event) => setToken(event.target.value)}
          placeholder="粘贴令牌或登录 · paste a token or sign in"
          spellCheck="false"
          autoComplete="off"
        />
      </label>
      {token ? <SignedIn token={token} /> : <SignIn />}
    </header>
  )
}

function SignIn() {
  const [problem, setProblem] = useState('')
  async function submit(event) {
    event.preventDefault()
    const variables = Object.fromEntries(new FormData(event.target))
    const { data, errors } = await post({ query: SIGN_IN, variables })
    setProblem(errors?.[0].message ?? data.signIn.message ?? '')
  }
  return (
    <form onSubmit={submit}>
      {problem && <span role="alert">{problem}</span>}
      <input name="login" required placeholder="账号 login" autoComplete="username" />
      <input
        name="password"
        type="password"
        required
        placeholder="密码 password"
        autoComplete="current-password"
      />
      <button>登录 Sign in</button>
    </form>
  )
}

function SignedIn({ token }) {
  const [viewer, setViewer] = useState()
  const storeId = useSession('storeId')
  useEffect(() => {
    let current = true
    post({ query: VIEWER }).then(({ data }) => {
      if (current) show(data?.viewer ?? null)
    })
    return () => {
      current = false
    }
  }, [token])

  function show(account) {
    setViewer(account)
    const stores = account?.stores ?? []
    choose(stores.find((store) => store.id === session.storeId) ?? stores[0])
  }

  function choose(store) {
    session.storeId = store?.id
    session.store = store?.code
  }

  return (
    <>
      {viewer && (
        <label>
          <span>{viewer.name} ·</span>
          <select
            aria-label="门店 Store"
            value={storeId}
            onChange={(event) => choose(viewer.stores.find(({ id }) => id === event.target.value))}
          >
            {viewer.stores.map((store) => (
              <option key={store.id} value={store.id}>
                {store.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {viewer === null && <span role="alert">令牌无效 · not a valid token</span>}
      <button onClick={() => setToken('')}>退出 Sign out</button>
    </>
  )
}
