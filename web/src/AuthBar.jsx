// The bar above GraphiQL: who is asking, and for which store.
import { useSchemaStore } from '@graphiql/react'
import { useEffect, useState } from 'react'
import icon from './icon.svg'
import { post } from './fetcher.js'
import { session, useSession } from './session.js'

const SIGN_IN = `mutation SignIn($login: String!, $password: String!) {
  signIn(input: { login: $login, password: $password }) {
    ... on Session { accessToken }
    ... on Problem { message }
  }
}`
const STORES = '{ stores { id name } }'

export function AuthBar() {
  const token = useSession('token')
  const introspect = useSchemaStore().introspect
  useEffect(() => {
    if (token) introspect()
  }, [token, introspect])
  return (
    <header className="kucun-bar">
      <img src={icon} alt="" width="24" height="24" />
      <strong>库存 Kucun</strong>
      <label className="kucun-token">
        <span>Authorization: Bearer</span>
        <input
          value={token}
          onChange={(event) => (session.token = event.target.value)}
          placeholder="粘贴令牌或登录 · paste a token or sign in"
          spellCheck="false"
          autoComplete="off"
        />
      </label>
      {token ? <Stores token={token} /> : <SignIn />}
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

function Stores({ token }) {
  const [stores, setStores] = useState([])
  const storeId = useSession('storeId')
  useEffect(() => {
    let current = true
    post({ query: STORES }).then(({ data }) => {
      if (!current) return
      const found = data?.stores ?? []
      setStores(found)
      if (!found.some((store) => store.id === session.storeId)) session.storeId = found[0]?.id ?? ''
    })
    return () => (current = false)
  }, [token])
  return (
    <>
      <label>
        <span>门店 Store</span>
        <select value={storeId} onChange={(event) => (session.storeId = event.target.value)}>
          {stores.map((store) => (
            <option key={store.id} value={store.id}>
              {store.name}
            </option>
          ))}
        </select>
      </label>
      <button onClick={() => (session.token = '')}>退出 Sign out</button>
    </>
  )
}
