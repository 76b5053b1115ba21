// The account of this browser tab, the store it looks at (id and code), the order placed and the
// stocktake opened last. All of it ends with the tab.
import { useSyncExternalStore } from 'react'

const NAMES = ['token', 'refreshToken', 'expiresAt', 'storeId', 'store', 'orderId', 'stocktakeId']
const listeners = new Set()

export const session = {}
for (const name of NAMES) {
  const key = `kucun.${name}`
  Object.defineProperty(session, name, {
    get: () => sessionStorage.getItem(key) ?? '',
    set(value) {
      if (value) sessionStorage.setItem(key, value)
      else sessionStorage.removeItem(key)
      listeners.forEach((listener) => listener())
    },
  })
}

export function signedIn({ accessToken, refreshToken, expiresAt }) {
  session.refreshToken = refreshToken
  session.expiresAt = expiresAt
  session.token = accessToken
}

// A token typed by hand, such as an API key, or none: there is no refresh token to renew it with.
export function setToken(token) {
  session.refreshToken = ''
  session.expiresAt = ''
  session.token = token.trim().replace(/^bearer\s+/i, '')
}

export function useSession(name) {
  return useSyncExternalStore(subscribe, () => session[name])
}

function subscribe(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
