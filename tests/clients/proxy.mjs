// A TCP proxy whose connections can be reset, as a lost network resets them.
import { connect, createServer } from 'node:net'

export async function openProxy({ hostname, port }) {
  const open = new Set()
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    open.add(near)
    const end = () => {
      near.destroy()
      far.destroy()
      open.delete(near)
    }
    for (const side of [near, far]) side.on('error', end).on('close', end)
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => open.forEach((near) => near.resetAndDestroy()),
  }
}
