"""`market bench NAME`: benchmarks live beside the product, in `bench/` of its repository."""

import importlib
import importlib.util

from app.console import choose, console


def run(name: str, *, as_json: bool) -> int:
    """Run the benchmark `name`; 2 when this installation came without the folder `bench`."""
    if importlib.util.find_spec("bench") is None:
        console.print(
            choose(
                "The benchmarks are not part of the installed package. Run this in a copy of the repository.",
                "安装包不含性能测试，请在代码仓库目录中运行。",
            )
        )
        return 2
    return int(importlib.import_module("bench.run").run(name, as_json=as_json))
