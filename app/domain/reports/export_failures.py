"""Why an export failed, in words."""

from enum import Enum


class Failure(Enum):
    """Why an export failed."""

    TOO_MANY_ROWS = (
        "行数超过 Excel 工作表的上限，请缩小范围或导出 CSV",
        "The report has more rows than a sheet of Excel holds: narrow it down, or choose CSV.",
    )
    FORBIDDEN = (
        "您已没有查看该报表的权限，请联系老板",
        "You may not see this report any more: ask the owner.",
    )
    STORAGE = (
        "文件存储暂时不可用，请稍后重新导出",
        "The storage of files does not answer: request the export again later.",
    )
    INTERNAL = (
        "导出时系统出错，请重新导出；再次失败请联系我们",
        "Something went wrong on our side: request the export again, and tell us if it fails.",
    )
