"""Areas of a point: which counties, cities, neighbourhoods, districts and other polygons hold it."""
