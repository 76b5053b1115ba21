import { GraphiQL } from 'graphiql'
import 'graphiql/style.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { AuthBar } from './AuthBar.jsx'
import { examples } from './examples.js'
import { fetcher } from './fetcher.js'
import { DOCUMENTATION } from './Introduction.jsx'
import './style.css'

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <AuthBar />
    <main>
      <GraphiQL
        fetcher={fetcher}
        defaultTabs={examples}
        defaultEditorToolsVisibility={false}
        referencePlugin={DOCUMENTATION}
      >
        <GraphiQL.Logo> </GraphiQL.Logo>
      </GraphiQL>
    </main>
  </StrictMode>,
)
