// The tabs a first visit opens: one document each, in the order of their file names.
const documents = import.meta.glob('./examples/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
})

export const examples = Object.keys(documents)
  .sort()
  .map((path) => ({ query: documents[path] }))
