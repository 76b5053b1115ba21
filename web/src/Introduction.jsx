// The introduction above the documentation explorer, and the plugin that shows both.
import { DOC_EXPLORER_PLUGIN, DocExplorer, useDocExplorer } from '@graphiql/plugin-doc-explorer'

const PARTS = [
  {
    title: '这是什么 · What this is',
    chinese:
      '库存 Kucun 的接口：商品、库存、订单、调拨、采购、报损都在这里。每一次库存变动都有流水，可以查到原因。',
    english:
      'The API of Kucun: products, stock, orders, transfers, purchases and write-offs. Every change of stock has an entry that says why.',
  },
  {
    title: '登录与密钥 · Signing in and keys',
    chinese:
      '在顶部登录，或粘贴令牌。程序请用 createApiKey 建立的密钥，放在请求头 Authorization: Bearer 里；密钥只显示一次。',
    english:
      'Sign in above or paste a token. Programs send an API key from createApiKey as Authorization: Bearer; its secret is shown once.',
  },
  {
    title: '幂等键 key · The key of a mutation',
    chinese:
      '每次写入都要带一个新的 UUID 作为 key。网络中断时用同一个 key 重发，只生效一次；换了内容则返回 KeyReused。示例里的 $key 会自动填写。',
    english:
      'Each write takes a new UUID as its key. Send the same key again after a lost connection: it takes effect once. The same key with other input is KeyReused. The examples fill in $key.',
  },
  {
    title: '实时订阅 · Feeds',
    chinese:
      '订阅 storeFeed 等：先收到快照，之后每次变动一条，数量都是最新值。断线后用 after 传上次的 revision 继续；收到 Resync 就重新订阅。WebSocket（graphql-transport-ws）和 SSE 都可以。',
    english:
      'A subscription such as storeFeed sends a snapshot, then each change with absolute values. After a lost connection pass the last revision as after; on Resync subscribe anew. Use WebSocket (graphql-transport-ws) or SSE.',
  },
  {
    title: '问题与错误 · Problems and errors',
    chinese:
      '预期内的失败（如缺货）是返回结果的一种，用 ... on Problem { code message } 读取。errors 里是请求本身的问题：UNAUTHENTICATED 未登录、FORBIDDEN 没有权限、BAD_INPUT 输入有误、INTERNAL 系统错误。',
    english:
      'An expected failure, such as OutOfStock, is a member of the result: read it with ... on Problem { code message }. The errors list holds failures of the request: UNAUTHENTICATED, FORBIDDEN, BAD_INPUT, INTERNAL.',
  },
]

export const DOCUMENTATION = {
  ...DOC_EXPLORER_PLUGIN,
  content: () => (
    <>
      <Introduction />
      <DocExplorer />
    </>
  ),
}

// Only above the list of root types: deeper in the explorer it would be in the way.
function Introduction() {
  if (useDocExplorer().length > 1) return null
  return (
    <section className="kucun-introduction" aria-label="接口简介 Introduction">
      {PARTS.map(({ title, chinese, english }) => (
        <details key={title} open={title === PARTS[0].title}>
          <summary>{title}</summary>
          <p lang="zh-CN">{chinese}</p>
          <p lang="en">{english}</p>
        </details>
      ))}
    </section>
  )
}
