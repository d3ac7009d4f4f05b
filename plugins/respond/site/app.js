console.log("hello")

