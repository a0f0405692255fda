"""Wrong routes, routers and servers."""

from covet import Compress, Covet, Limits, Router, Server

app = Covet(titel="x")  # E: no such keyword
Covet("x")  # E: keywords only
Covet(lifespan=5)  # E: a function
Limits(max_body=1.5)  # E: int or text
Limits(timeout="2s")  # E: seconds
Router("/x", limits=5)  # E: Limits
Router("/x", middleware=[Compress])  # E: an instance
Covet(middleware=Compress())  # E: a list
Compress("1KB", 5)  # E: one argument
Limits(compressed_body="yes")  # E: a switch

app.get("/", status=201)  # E: status_code
app.get("/", middleware=["gzip"])  # E: declarations
app.get("/", status_code="201")  # E: int
app.post("/", max_body=1.5)  # E: int or text
app.post("/", timeout="2s")  # E: seconds
app.post("/", on_disconnect="ignore")  # E: cancel or finish
app.post("/", methods=["GET"])  # E: only route has it
app.route("/", methods="GET")  # E: a list or "*"
app.route("/")  # E: methods is missing
app.get("/")(5)  # E: not callable
app.include_router(Covet())  # E: a Router
app.include(Router())  # E: include_router
app.url_for(1)  # E: handler or name

Server(app, port="80")  # E: int
Server(app, workers=2)  # E: one worker


def use(server: Server) -> None:
    with server:  # E: async with
        pass
