"""A flow as a drawing: what was declared, nothing inferred.

``picture`` turns a flow into plain data; writers turn that into text or pixels.

* ``dot.to_dot``          Graphviz text
* ``mermaid.to_mermaid``  Mermaid text, drawn by GitHub and GitLab
* ``table.to_text``       the transition table, for terminals
* ``table.to_page``       the Markdown page of a flow
* ``svg.to_svg``, ``svg.to_png``   through Graphviz, the only ones that need its ``dot``

Text is the golden form: same flow, same bytes.  SVG and PNG are build products, because fonts
and versions of Graphviz change them.
"""
