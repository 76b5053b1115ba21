// The access token and the chosen store of this browser tab; both end with the tab.
import { useSyncExternalStore } from 'react'

const listeners = new Set()

function read(name) {
  return sessionStorage.getItem(`kucun.${name}`) ?? ''
}

function write(name, value) {
  if (value) sessionStorage.setItem(`kucun.${name}`, value)
  else sessionStorage.removeItem(`kucun.${name}`)
  listeners.forEach((listener) => listener())
}

function subscribe(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const session = {
  get token() {
    return read('token')
  },
  set token(value) {
    write('token', value.trim().replace(/^bearer\s+/i, ''))
  },
  get storeId() {
    return read('storeId')
  },
  set storeId(value) {
    write('storeId', value)
  },
}

export function useSession(name) {
  return useSyncExternalStore(subscribe, () => session[name])
}
