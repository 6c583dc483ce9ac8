"""The pages: HTML for people, one module a page, over the functions that the routes call too.

A page is one GET that answers whole HTML, which reads without JavaScript. With it, the page follows
the lab's events, asks for itself again when something changed, and morphs what differs.
"""
