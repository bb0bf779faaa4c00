"""Define the search synonyms of a new shop, which staff can edit."""

from __future__ import annotations

from typing import Any

# Columns: English | German | also finds. A row such as ``kilt | kilt |`` only makes a word known,
# so that spelling correction does not replace a garment that the shop does not sell with another.
GARMENTS = """
t-shirt, tee, tee shirt, tshirt | t-shirt, tshirt, shirtchen |
shirt | hemd, hemden, oberhemd |
polo shirt, polo | polohemd, poloshirt | polo t-shirt
blouse | bluse | top, tunic
top, tank top, crop top | oberteil, tanktop |
camisole, cami | unterhemd | innerwear vests
tunic | tunika |
sweater, jumper, pullover, knitwear | pullover, pulli, strickpullover |
cardigan | strickjacke, cardigan | sweater
sweatshirt | sweatshirt, sweater |
hoodie, hoody, hooded sweatshirt | kapuzenpullover, kapuzenpulli, hoodie | hood, sweatshirt
jacket, windcheater | jacke |
coat, overcoat, trench coat | mantel, trenchcoat | jacket
parka, anorak | parka, anorak | jacket
raincoat, rain jacket | regenjacke, regenmantel |
blazer, sport coat | blazer, sakko |
suit | anzug | blazer
waistcoat, vest | weste |
trousers, pants, slacks | hose, hosen, stoffhose |
chinos | chino, chinos | trousers
joggers, track pants, sweatpants, jogging bottoms | jogginghose, trainingshose |
tracksuit | trainingsanzug, jogginganzug |
jeans, denims | jeans, jeanshose |
shorts, bermudas | shorts, kurze hose, bermuda |
skirt | rock, röcke |
dress, frock, gown | kleid, kleider |
jumpsuit, playsuit | overall, einteiler, jumpsuit |
leggings | leggings, leggins |
tights, pantyhose | strumpfhose | stockings
stockings | strumpf, strümpfe |
swimsuit, swimwear, bathing suit, bikini | badeanzug, bademode, bikini, badehose | swim
pyjamas, pajamas, nightwear, sleepwear | pyjama, schlafanzug, nachtwäsche | night suits, nightdress
nightdress, nightie, nightgown | nachthemd |
bathrobe, bath robe, dressing gown | bademantel, morgenmantel |
underwear, innerwear | unterwäsche | briefs, boxers, trunk, bra, camisoles
briefs, panties, knickers | slip, unterhose |
boxers, boxer shorts | boxershorts | trunk
bra, brassiere | bh, büstenhalter |
saree, sari | sari |
kurta | kurta |
sneaker, trainer | sneaker, turnschuh, turnschuhe | sports shoes, canvas shoes, casual shoes
sports shoes, running shoes, gym shoes | sportschuh, sportschuhe, laufschuhe | trainer
shoe, footwear | schuh, schuhe |
boots | stiefel, stiefelette | casual shoes
formal shoes, dress shoes, oxfords | business schuhe, anzugschuhe | derby shoes, loafer shoes
loafers, slip-ons, moccasins | slipper, mokassin | casual shoes
heels, high heels, stilettos, pumps | absatzschuhe, stöckelschuhe, pumps, high heels |
flats, ballerinas, ballet flats | ballerinas |
sandals | sandale, sandalen |
flip flops, flip-flops, thongs | zehentrenner, badelatschen, flip flops |
handbag, purse, shoulder bag, tote | handtasche, umhängetasche, damentasche |
wallet, billfold | geldbörse, portemonnaie, brieftasche, geldbeutel |
bag | tasche, taschen |
backpack, rucksack, knapsack | rucksack, rucksäcke |
clutch | clutch, abendtasche |
sunglasses, shades | sonnenbrille, sonnenbrillen |
watch, wristwatch | uhr, uhren, armbanduhr |
belt | gürtel |
tie, necktie | krawatte, schlips |
scarf, shawl | schal, schals, halstuch |
muffler | wollschal |
cap, baseball cap | kappe, schirmmütze, basecap | caps
beanie, woolly hat | mütze, strickmütze, wollmütze | pompom cap, cap
hat | hut, hüte | caps
gloves, mittens | handschuh, handschuhe |
socks, sox | socke, socken |
umbrella, brolly | regenschirm, schirm |
earrings, earring | ohrring, ohrringe |
necklace, chain | halskette, kette |
bracelet | armband, armbänder |
ring | ring, ringe |
jewellery, jewelry | schmuck |
perfume, fragrance, cologne | parfum, parfüm, duft |
lipstick | lippenstift |
nail polish, nail varnish | nagellack |
cufflinks | manschettenknöpfe |
clothes, clothing, apparel | kleidung, bekleidung |
poncho | poncho |
cape | cape, umhang |
kilt | kilt |
corset | korsett |
dungarees | latzhose |
"""
# Words for colours, genders, seasons and materials. The English words occur in the names and
# attributes of products.
ATTRIBUTES = """
black | schwarz |
white | weiß, weiss |
red | rot |
blue | blau |
navy, navy blue | dunkelblau, marineblau |
light blue | hellblau |
green | grün |
yellow | gelb |
orange | orange, orangefarben |
pink | rosa, pink |
purple, violet | lila, violett |
brown | braun |
grey, gray | grau |
beige | beige |
silver | silber, silbern |
gold, golden | gold, golden |
turquoise | türkis |
maroon, burgundy, wine red | weinrot, bordeaux |
women, woman, womens, ladies, female | damen, dame, frauen, frau |
men, man, mens, gents, male | herren, herr, männer, mann |
girls, girl | mädchen |
boys, boy | jungen, junge |
kids, children, child | kinder, kind | girls, boys
unisex | unisex |
summer | sommer |
winter | winter |
fall, autumn | herbst |
spring | frühling, frühjahr |
sports, athletic | sport |
formal, business | business, elegant |
party | party, festlich |
casual | freizeit |
leather | leder |
cotton | baumwolle |
wool, woollen | wolle |
silk | seide |
linen | leinen |
striped, stripes, stripy | gestreift, streifen |
checked, checks, check, chequered, gingham, tartan, plaid | kariert, karo |
floral, flowery, flowers | geblümt, blumen |
polka dot, spotted, dotted | gepunktet, punkte |
printed, print | bedruckt |
"""


def default_synonyms() -> list[dict[str, str]]:
    """Return the field values of each default synonym."""
    names = ("english", "german", "also_finds")
    lines = (GARMENTS + ATTRIBUTES).strip().splitlines()
    rows = ([part.strip() for part in line.split("|")] for line in lines if line.strip())
    return [dict(zip(names, row, strict=True)) for row in rows]


def add_default_synonyms(model: Any) -> None:
    """Create the default synonyms; ``model`` is ``SearchSynonym`` or its historical version."""
    model.objects.bulk_create(model(**row) for row in default_synonyms())
