"""How the page of evidence looks: a printed document, on a screen or on paper."""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE"]

STYLE: Final = """
:root{--paper:#fff;--desk:#efede8;--ink:#1c1f24;--soft:#5d636e;--line:#d8d5cd;--panel:#f7f6f2;--accent:#1f3a5f;
--good:#1b6b3a;--bad:#9d2118;--care:#855600;--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",
Georgia,"Liberation Serif",serif;--sans:system-ui,"Segoe UI","Helvetica Neue",Arial,"Liberation Sans",sans-serif;
--mono:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
*{box-sizing:border-box}
body{margin:0;background:var(--desk);color:var(--ink);font:15px/1.55 var(--sans)}
main{background:var(--paper);max-width:54rem;margin:2.5rem auto;padding:3.2rem 4rem 3rem;border:1px solid var(--line);
border-top:4px solid var(--accent)}
.mast{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;border-bottom:1px solid var(--line);
padding-bottom:.7rem;margin-bottom:2.2rem;font-size:.78rem;letter-spacing:.13em;text-transform:uppercase;
color:var(--soft)}
.mast b{color:var(--accent);font-weight:700}
h1{font:400 1.95rem/1.28 var(--serif);margin:0 0 .7rem;overflow-wrap:anywhere;white-space:pre-wrap}
h2{font:700 .8rem/1.3 var(--sans);letter-spacing:.12em;text-transform:uppercase;color:var(--accent);
border-top:1px solid var(--line);padding-top:1.1rem;margin:2.6rem 0 1rem;break-after:avoid}
h3{font:600 1rem/1.4 var(--sans);margin:1.5rem 0 .5rem;break-after:avoid}
p{margin:.5rem 0}p.lead{font-size:1.02rem}.soft{color:var(--soft)}
.stamps{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.3rem 0 0}
.stamp{border:1.5px solid currentColor;border-radius:3px;padding:.16rem .7rem;font-weight:650;font-size:.85rem;
letter-spacing:.03em}
.good{color:var(--good)}.bad{color:var(--bad)}.care{color:var(--care)}.plain{color:var(--soft)}
pre{font:.82rem/1.6 var(--mono);background:var(--panel);border:1px solid var(--line);border-radius:4px;
padding:.85rem 1.1rem;margin:.7rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
code{font-family:var(--mono);font-size:.86em;overflow-wrap:anywhere}
pre .k{color:var(--accent);font-weight:700}pre .s{color:var(--good)}pre .n{color:var(--care)}pre .c{color:var(--soft)}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.28rem 1.6rem;margin:.7rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
ul{margin:.5rem 0;padding-left:1.15rem}li{margin:.22rem 0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.86rem;margin:.7rem 0}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1.5px solid var(--ink);padding:.3rem .8rem .3rem 0}
td{border-bottom:1px solid var(--line);padding:.36rem .8rem .36rem 0;vertical-align:top;overflow-wrap:anywhere}
tr{break-inside:avoid}td.id{white-space:nowrap}
.draft,.review{break-inside:avoid-page;margin:1.1rem 0 1.6rem}
.review{border-left:3px solid currentColor;padding:.15rem 0 .15rem 1.3rem}.review>*{color:var(--ink)}
blockquote{font:italic 1.2rem/1.45 var(--serif);margin:.1rem 0 .6rem}
.signed{display:inline-block;margin:.7rem 0 .2rem;min-width:17rem}
.signed b{display:block;font:italic 1.25rem var(--serif);border-bottom:1px solid var(--ink);padding:0 .2rem .2rem}
ol.time{list-style:none;margin:.6rem 0;padding:0 0 0 1.2rem;border-left:2px solid var(--line)}
ol.time>li{position:relative;margin:0;padding:.16rem 0}
ol.time>li::before{content:"";position:absolute;left:-1.58rem;top:.62rem;width:.62rem;height:.62rem;border-radius:50%;
background:var(--paper);border:2px solid var(--accent)}
ol.time>li.bad::before{border-color:var(--bad)}ol.time>li{color:var(--ink)}
summary{cursor:pointer;list-style:none}summary::-webkit-details-marker{display:none}summary:hover{color:var(--accent)}
details[open]>summary{font-weight:600}summary:focus-visible{outline:2px solid var(--accent)}
.num{font-variant-numeric:tabular-nums;color:var(--soft);font-size:.84rem}
footer{margin-top:2.8rem;border-top:1px solid var(--line);padding-top:.8rem;font-size:.8rem;color:var(--soft)}
@media(max-width:44rem){main{padding:1.6rem 1.2rem;margin:0;border-width:4px 0 0}dl{grid-template-columns:1fr;gap:0}
dd{margin-bottom:.5rem}h1{font-size:1.5rem}}
@media print{@page{margin:18mm 16mm}body{background:none;font-size:10pt}main{border:0;margin:0;padding:0;max-width:none}
pre{background:none}}
"""
