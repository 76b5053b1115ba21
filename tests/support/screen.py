"""The language of browser tests: GraphiQL on a page that notes whatever it should not do."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import ConsoleMessage, Page, Request, WebSocket, expect

from tests.support.identity import PASSWORD

# Set to a folder, such as docs/images, to keep what the last test sees.
SCREENSHOTS = os.environ.get("KUCUN_SCREENSHOTS")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Shown:
    """A page, and everything it did that it should not."""

    page: Page
    origin: str
    strayed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", self.note)
        self.page.on("websocket", self.note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.hear)

    def hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def note(self, request: Request | WebSocket) -> None:
        ours = (self.origin, self.origin.replace("http", "ws", 1), "data:")
        if not request.url.startswith(ours):
            self.strayed.append(request.url)

    async def sign_in(self, login: str) -> None:
        await self.page.get_by_placeholder("账号 login").fill(login)
        await self.page.get_by_placeholder("密码 password").fill(PASSWORD)
        await self.page.get_by_role("button", name="登录 Sign in").click()
        await expect(self.page.get_by_label("门店 Store")).to_contain_text("南山店")

    async def run(self, tab: str) -> None:
        await self.page.locator(".graphiql-tab-button", has_text=re.compile(f"^{tab}$")).click()
        await self.page.get_by_label("Execute query").click()

    async def write(self, document: str) -> None:
        """Give the editor a document whole: typed, it would close the brackets as it thinks."""
        editor = self.page.locator(".graphiql-query-editor .CodeMirror")
        await editor.evaluate("(shown, text) => shown.CodeMirror.setValue(text)", document)

    async def answers(self, *texts: str) -> None:
        for text in texts:
            await expect(self.page.locator(".result-window")).to_contain_text(text)

    async def keep(self, name: str) -> None:
        if SCREENSHOTS:
            await self.page.screenshot(path=Path(SCREENSHOTS) / name)
